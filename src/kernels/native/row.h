/**
 * A row of doubles that a kernel is bound to: the address of the memory, up to 13 arguments, the bytes of the memory, the result.
 * A double holds an address and a byte offset exactly.
 */
enum { MEMORY = 0, MEMORY_BYTES = 14, RESULT = 15, ROW_LENGTH = 16 };
