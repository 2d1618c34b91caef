/** How to read a dataset; none of this changes what is read. */
export interface OpenOptions {
  memoryBytes?: number // for DuckDB's buffers; default 256 MiB
  threads?: number // for DuckDB; default 1
  signal?: AbortSignal
  onProgress?: (progress: OpenProgress) => void
}

export interface OpenProgress {
  stage: 'users' | 'restaurants' | 'train' | 'test'
  rowsDone: number
  rowsTotal: number
}
