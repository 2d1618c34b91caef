import { ThriftReader } from '../thrift.ts'

/** Where the pages of a column lie, of one row group. */
export interface PagesAt {
  rowGroup: number // from 0
  column: string // its name; of a nested one, that of the outermost
  start: number // byte of the file
  end: number // exclusive
}

/**
 * The columns of each row group, by a Parquet file's metadata. Those whose pages are encrypted or in another
 * file do not come. Of the metadata, nothing but the row group at hand is kept.
 * @throws Error if the bytes are no metadata.
 */
export function* columnChunks(metadata: Uint8Array): Generator<PagesAt[]> {
  const reader = new ThriftReader(metadata)
  const count = reader.isAtField(4) ? reader.listCount() : 0
  for (let rowGroup = 0; rowGroup < count; rowGroup++) {
    const columns: PagesAt[] = []
    reader.struct((id) => {
      if (id !== 1) return false
      for (let left = reader.listCount(); left > 0; left--) {
        const pages = columnChunk(reader)
        if (pages) columns.push({ rowGroup, ...pages })
      }
      return true
    })
    yield columns
  }
}

function columnChunk(reader: ThriftReader): Omit<PagesAt, 'rowGroup'> | undefined {
  let pages: Omit<PagesAt, 'rowGroup'> | undefined
  let isElsewhere = false
  reader.struct((id) => {
    if (id === 1) isElsewhere = reader.text() !== ''
    else if (id === 3) pages = columnMetadata(reader)
    else return false
    return true
  })
  return isElsewhere ? undefined : pages
}

function columnMetadata(reader: ThriftReader): Omit<PagesAt, 'rowGroup'> {
  let column = ''
  let bytes = 0
  let dataStart = 0
  let dictionaryStart = 0
  reader.struct((id) => {
    if (id === 3) [column] = Array.from({ length: reader.listCount() }, () => reader.text())
    else if (id === 7) bytes = reader.integer()
    else if (id === 9) dataStart = reader.integer()
    else if (id === 11) dictionaryStart = reader.integer()
    else return false
    return true
  })
  // Some writers give 0 for a dictionary that there is not.
  const start = dictionaryStart > 0 ? Math.min(dictionaryStart, dataStart) : dataStart
  return { column, start, end: start + bytes }
}
