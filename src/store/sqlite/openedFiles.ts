import { statSync } from 'node:fs'

// What SQLite keeps of a store: without its log or the index of it, a file lacks the last writes, too.
const SUFFIXES = ['', '-wal', '-shm']

/** The files of an open store, to notice that one of them was deleted or replaced, which SQLite does not. */
export class OpenedFiles {
  readonly #opened: { path: string; identity: string }[] = []

  /** Takes down what is at `target` now, which the store must have open. */
  constructor(target: string) {
    for (const suffix of SUFFIXES) {
      const path = target + suffix
      const identity = identityOf(path)
      if (identity !== undefined) this.#opened.push({ path, identity })
    }
  }

  /** What is wrong, as a part of a sentence; undefined: every file is there. Takes 5 µs. */
  problem(): string | undefined {
    for (const { path, identity } of this.#opened) {
      const found = identityOf(path)
      if (found !== identity)
        return `${path} must be the file that was opened, found ${found === undefined ? 'none' : 'another one'}`
    }
    return undefined
  }
}

function identityOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true })
    return `${dev}:${ino}`
  } catch {
    return undefined
  }
}
