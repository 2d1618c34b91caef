#include "row.h"
#include <node_api.h>
#include <stdint.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

// What Node loads: { family, useLargePages(memory), gemm_avx512(row, memory, shared), … }. Through Node-API, which every Node has.
// `node:ffi` (Node 26.10) is no faster, and frees what V8's compiler still reads when a thread ends, which can end the process.

#if defined(__x86_64__)
#define EACH_FAMILY(X) X(avx512) X(avx2)
#elif defined(__aarch64__)
#define EACH_FAMILY(X) X(neon)
#else
#define EACH_FAMILY(X)
#endif
#define EACH_KERNEL(X, family)                                                                     \
  X(gemm, family) X(gemmOnes, family) X(hidden, family) X(gather, family) X(adam, family)          \
  X(loss, family) X(weightedLoss, family) X(pairwise, family) X(scaleRows, family) X(sumSlices, family) X(peak, family)

/** A call from JavaScript: the row comes with the function, so nothing is passed or returned, and it takes nanoseconds. */
#define CALL(name, family)                                                         \
  double name##_##family(const double *row);                                       \
  static napi_value call_##name##_##family(napi_env env, napi_callback_info info) { \
    void *data = 0;                                                                \
    if (napi_get_cb_info(env, info, 0, 0, 0, &data) != napi_ok) return 0;          \
    double *row = data;                                                            \
    row[RESULT] = name##_##family(row);                                            \
    return 0;                                                                      \
  }
#define CALLS(family) EACH_KERNEL(CALL, family)
EACH_FAMILY(CALLS)

typedef struct {
  const char *name;
  napi_callback call;
} kernel;

#define ENTRY(name, family) {#name "_" #family, call_##name##_##family},
#define ENTRIES(family) EACH_KERNEL(ENTRY, family)
static const kernel KERNELS[] = {EACH_FAMILY(ENTRIES){0, 0}};

/** Which of the families the processor has: its name, or an empty string. */
static const char *familyOfProcessor(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return "avx512";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "avx2";
  return "";
#elif defined(__aarch64__)
  return "neon";
#else
  return "";
#endif
}

/** The bytes of a typed array, of `length` items; null: it is none, or another one than wanted. */
static void *bytesOf(napi_env env, napi_value array, napi_typedarray_type wanted, size_t *length) {
  napi_typedarray_type type;
  void *bytes = 0;
  if (napi_get_typedarray_info(env, array, &type, length, &bytes, 0, 0) != napi_ok) return 0;
  return type == wanted ? bytes : 0;
}

/**
 * (row: Float64Array of 17, memory: Uint8Array, shared: Float64Array of 16) → the kernel, as a function of what is in the row. All
 * must outlive it.
 */
static napi_value bindKernel(napi_env env, napi_callback_info info) {
  napi_value arguments[3], function = 0;
  size_t count = 3;
  void *data = 0;
  if (napi_get_cb_info(env, info, &count, arguments, 0, &data) != napi_ok) return 0;
  const kernel *bound = data;
  size_t length = 0, bytes = 0, sharedLength = 0;
  double *row = count == 3 ? bytesOf(env, arguments[0], napi_float64_array, &length) : 0;
  void *memory = count == 3 ? bytesOf(env, arguments[1], napi_uint8_array, &bytes) : 0;
  void *shared = count == 3 ? bytesOf(env, arguments[2], napi_float64_array, &sharedLength) : 0;
  if (row == 0 || length < ROW_LENGTH || memory == 0 || bytes == 0 || shared == 0 || sharedLength < SHARED_LENGTH) {
    napi_throw_type_error(env, 0, "Wanted a Float64Array of 17, a Uint8Array and a Float64Array of 16");
    return 0;
  }
  row[MEMORY] = (double)(uintptr_t)memory; // exact: addresses have fewer than 53 bits
  row[MEMORY_BYTES] = (double)bytes;
  row[SHARED] = (double)(uintptr_t)shared;
  if (napi_create_function(env, bound->name, NAPI_AUTO_LENGTH, bound->call, row, &function) != napi_ok) return 0;
  return function;
}

/** (memory: Uint8Array): asks the system for large pages, so that finding random rows takes fewer entries of its page tables. */
static napi_value useLargePages(napi_env env, napi_callback_info info) {
  napi_value argument;
  size_t count = 1, bytes = 0;
  if (napi_get_cb_info(env, info, &count, &argument, 0, 0) != napi_ok) return 0;
  void *memory = count == 1 ? bytesOf(env, argument, napi_uint8_array, &bytes) : 0;
#ifdef __linux__
  if (memory != 0) madvise(memory, bytes, MADV_HUGEPAGE);
#else
  (void)memory;
#endif
  return 0;
}

NAPI_MODULE_INIT() {
  napi_value value;
  if (napi_create_string_utf8(env, familyOfProcessor(), NAPI_AUTO_LENGTH, &value) != napi_ok) return 0;
  if (napi_set_named_property(env, exports, "family", value) != napi_ok) return 0;
  if (napi_create_function(env, "useLargePages", NAPI_AUTO_LENGTH, useLargePages, 0, &value) != napi_ok) return 0;
  if (napi_set_named_property(env, exports, "useLargePages", value) != napi_ok) return 0;
  for (const kernel *one = KERNELS; one->name; one++) {
    if (napi_create_function(env, one->name, NAPI_AUTO_LENGTH, bindKernel, (void *)one, &value) != napi_ok) return 0;
    if (napi_set_named_property(env, exports, one->name, value) != napi_ok) return 0;
  }
  return exports;
}
