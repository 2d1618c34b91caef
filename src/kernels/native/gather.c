#include "vector.h"

#define AHEAD 64 // rows: a block, so that the next one is on its way while this one is computed with

INLINE uint32_t digestOf(uint32_t user, uint32_t restaurant, uint32_t click) {
  return (((user + 1) * 0x9e3779b1u) ^ ((restaurant + 1) * 0x85ebca77u)) + (click + 1) * 0xc2b2ae3du;
}

INLINE void fetch(const float *row, size_t bytes) {
  for (size_t byte = 0; byte < bytes; byte += 64) __builtin_prefetch((const char *)row + byte);
}

INLINE void copy(float *to, const float *from, size_t fours) {
  for (size_t i = 0; i < fours; i++) ((four *)to)[i] = ((const four *)from)[i];
}

/** Rows of X from the two tables: src/kernels/assembly/gather.ts. */
double FAMILY(gather)(const double *q) {
  enum { X = 1, LDX, USERS, RESTAURANTS, CLICKS, ROWS, ROWS_PADDED };
  enum { USER_TABLE = 8, USER_STRIDE, USER_COUNT, RESTAURANT_TABLE, RESTAURANT_STRIDE, RESTAURANT_COUNT };
  const uint32_t *user = (const uint32_t *)floatsOf(q, USERS), *restaurant = (const uint32_t *)floatsOf(q, RESTAURANTS);
  const uint8_t *click = (const uint8_t *)floatsOf(q, CLICKS);
  const float *ofUsers = floatsOf(q, USER_TABLE), *ofRestaurants = floatsOf(q, RESTAURANT_TABLE);
  const size_t ldx = q[LDX], userStride = q[USER_STRIDE], restaurantStride = q[RESTAURANT_STRIDE];
  const int rows = q[ROWS], rowsPadded = q[ROWS_PADDED], userCount = q[USER_COUNT], restaurantCount = q[RESTAURANT_COUNT];
  const size_t userFours = (userCount + 3) / 4, restaurantFours = (restaurantCount + 3) / 4;
  float *to = floatsOf(q, X);
  const uint32_t *end = (const uint32_t *)((char *)(uintptr_t)q[MEMORY] + (size_t)q[MEMORY_BYTES]);
  const uint32_t *later = user > restaurant ? user : restaurant;
  const int ahead = end - later - AHEAD < rows ? (int)(end - later - AHEAD) : rows;
  uint32_t digest = 0;
  for (int row = 0; row < rows; row++) {
    // Behind a block's rows stand those of the next one, or something else: a prefetch of any address does no harm.
    if (row < ahead) {
      fetch(ofUsers + (size_t)user[row + AHEAD] * userStride, 16 * userFours);
      fetch(ofRestaurants + (size_t)restaurant[row + AHEAD] * restaurantStride, 16 * restaurantFours);
    }
    digest += digestOf(user[row], restaurant[row], click[row]);
    // The user's padding is overwritten by the restaurant's features, the restaurant's by the 1.
    copy(to, ofUsers + (size_t)user[row] * userStride, userFours);
    copy(to + userCount, ofRestaurants + (size_t)restaurant[row] * restaurantStride, restaurantFours);
    for (size_t i = userCount + 4 * restaurantFours; i < ldx; i++) to[i] = 0;
    to[userCount + restaurantCount] = 1;
    to += ldx;
  }
  for (float *end = to + (size_t)(rowsPadded - rows) * ldx; to < end; to++) *to = 0;
  return digest;
}
