#include "vector.h"

/**
 * The rows that come next, which are to be in the cache when `gather` reads them. With large pages it leaves them for `hidden` to
 * fetch between its tiles: fetched all at once they wait for each other, since a core has some twenty lines on their way and a block
 * of rows takes two hundred. With small pages a fetch has to look up its page first, which holds up what is computed beside it, so
 * that `gather` fetches them itself; so it does where no `hidden` has followed it.
 */
typedef struct {
  uint64_t hasLargePages; // set by whoever binds the kernels
  uint64_t isFollowed; // by `hidden`
  const uint32_t *users, *restaurants; // of the first row
  const char *ofUsers, *ofRestaurants;
  size_t userStride, restaurantStride, userBytes, restaurantBytes;
  size_t rows; // that have not been fetched
} ahead;

_Static_assert(sizeof(ahead) <= sizeof(double) * SHARED_LENGTH, "what kernels share is larger than its array");

INLINE ahead *aheadOf(const double *q) { return (ahead *)(uintptr_t)q[SHARED]; }

/** Fetches up to `count` of them. What is no address of a row does no harm. */
INLINE void fetchAhead(ahead *next, size_t count) {
  const size_t rows = count < next->rows ? count : next->rows;
  for (size_t row = 0; row < rows; row++) {
    const char *user = next->ofUsers + next->users[row] * next->userStride;
    const char *restaurant = next->ofRestaurants + next->restaurants[row] * next->restaurantStride;
    for (size_t byte = 0; byte < next->userBytes; byte += 64) __builtin_prefetch(user + byte);
    for (size_t byte = 0; byte < next->restaurantBytes; byte += 64) __builtin_prefetch(restaurant + byte);
  }
  next->users += rows, next->restaurants += rows, next->rows -= rows;
}
