// What is used of WebAssembly's JavaScript API. TypeScript declares it only together with the whole of the
// browser's DOM.
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    constructor(module: Module, imports: { env: { memory: Memory } })
    readonly exports: object
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum: number; shared: boolean })
    readonly buffer: SharedArrayBuffer
  }
  function validate(bytes: Uint8Array): boolean
}
