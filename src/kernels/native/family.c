// Which of the families this library was compiled for the processor has: its name's last letters, or an empty string.
__attribute__((visibility("default"))) const char *nearrank_family(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) return "avx512";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "avx2";
  return "";
#elif defined(__aarch64__)
  return "neon";
#else
  return "";
#endif
}
