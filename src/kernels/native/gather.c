#include "ahead.h"

INLINE uint32_t digestOf(uint32_t user, uint32_t restaurant, uint32_t click) {
  return (((user + 1) * 0x9e3779b1u) ^ ((restaurant + 1) * 0x85ebca77u)) + (click + 1) * 0xc2b2ae3du;
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
  // Behind a block's rows stand those of the next one, or something else; nothing may be read past the memory's end.
  const uint32_t *end = (const uint32_t *)((char *)(uintptr_t)q[MEMORY] + (size_t)q[MEMORY_BYTES]);
  const uint32_t *later = (user > restaurant ? user : restaurant) + rows;
  ahead *next = aheadOf(q);
  const int isLater = next->hasLargePages && next->isFollowed;
  *next = (ahead){
    next->hasLargePages, 0, user + rows, restaurant + rows, (const char *)ofUsers, (const char *)ofRestaurants,
    4 * userStride, 4 * restaurantStride, 16 * userFours, 16 * restaurantFours, end - later < rows ? end - later : rows,
  };
  uint32_t digest = 0;
  for (int row = 0; row < rows; row++) {
    if (!isLater) fetchAhead(next, 1);
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
