/**
 * A row of doubles that a kernel is bound to: the address of the memory, up to 13 arguments, the bytes of the memory, the result,
 * the address of what the kernels of a thread share (`ahead.h`). A double holds an address and a byte offset exactly.
 */
enum { MEMORY = 0, MEMORY_BYTES = 14, RESULT = 15, SHARED = 16, ROW_LENGTH = 17 };
enum { SHARED_LENGTH = 16 }; // doubles of what they share
