import { BodyBytes } from '../../../../src/server/threads/admission/bodyBytes.ts'

/** Room for so many bytes of bodies, of a thread that is alone. */
export function roomFor(bytesMax: number): BodyBytes {
  return new BodyBytes({
    all: new SharedArrayBuffer(4),
    thread: 1,
    threadBytesMax: bytesMax,
    allBytesMax: bytesMax,
  })
}
