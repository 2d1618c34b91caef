/**
 * Rows of X from the two feature tables: X[row] = user features, restaurant features, 1, zeros up to ldx.
 * users, restaurants [rows] u32, clicks [rows] u8; tables with row strides userStride, restaurantStride
 * (multiples of 4 floats, padded with zeros); X [rowsPadded, ldx], ldx a multiple of 4 and ≥ userCount +
 * restaurantCount rounded up to 4, + 1; rows past `rows` become zeros. Returns the sum of the rows' digests
 * modulo 2^32: proof of what was gathered.
 */
export function gather(
  x: usize,
  ldx: usize,
  users: usize,
  restaurants: usize,
  clicks: usize,
  rows: i32,
  rowsPadded: i32,
  userTable: usize,
  userStride: usize,
  userCount: i32,
  restaurantTable: usize,
  restaurantStride: usize,
  restaurantCount: i32,
): u32 {
  touch(users, rows, userTable, userStride << 2, (<usize>userCount) << 2)
  touch(restaurants, rows, restaurantTable, restaurantStride << 2, (<usize>restaurantCount) << 2)
  const xm = ldx << 2
  const userBytes = (<usize>((userCount + 3) & ~3)) << 2
  const restaurantBytes = (<usize>((restaurantCount + 3) & ~3)) << 2
  const second = (<usize>userCount) << 2
  const one = (<usize>(userCount + restaurantCount)) << 2
  const zero = f32x4.splat(0)
  let digest: u32 = 0
  for (let row: i32 = 0; row < rows; row++) {
    const user = load<u32>(users + ((<usize>row) << 2))
    const restaurant = load<u32>(restaurants + ((<usize>row) << 2))
    const click = <u32>load<u8>(clicks + <usize>row)
    digest += digestOf(user, restaurant, click)
    // The user's padding is overwritten by the restaurant's features, the restaurant's by the 1.
    copy(x, userTable + <usize>user * (userStride << 2), userBytes)
    copy(x + second, restaurantTable + <usize>restaurant * (restaurantStride << 2), restaurantBytes)
    let at = second + restaurantBytes
    while (at + 16 <= xm) {
      v128.store(x + at, zero)
      at += 16
    }
    while (at < xm) {
      store<f32>(x + at, 0)
      at += 4
    }
    store<f32>(x + one, 1)
    x += xm
  }
  memory.fill(x, 0, <usize>(rowsPadded - rows) * xm)
  return digest
}

/**
 * Numbers of the rows' own context into X: X[row, k] = (context[row, k] − shift[k])·scale[k] for k < numbers;
 * context [rows, words], its numbers first. Returns the sum of the digests of the rows with their context
 * modulo 2^32, in place of what `gather` returns.
 */
export function gatherContext(
  x: usize,
  ldx: usize,
  users: usize,
  restaurants: usize,
  clicks: usize,
  context: usize,
  words: i32,
  numbers: i32,
  shift: usize,
  scale: usize,
  rows: i32,
): u32 {
  let digest: u32 = 0
  for (let row: i32 = 0; row < rows; row++) {
    const user = load<u32>(users + ((<usize>row) << 2))
    const restaurant = load<u32>(restaurants + ((<usize>row) << 2))
    let hash = digestOf(user, restaurant, <u32>load<u8>(clicks + <usize>row))
    for (let k: i32 = 0; k < words; k++) hash = (hash ^ load<u32>(context + ((<usize>k) << 2))) * 0x01000193
    digest += hash
    for (let k: usize = 0; k < (<usize>numbers) << 2; k += 4)
      store<f32>(x + k, (load<f32>(context + k) - load<f32>(shift + k)) * load<f32>(scale + k))
    x += ldx << 2
    context += (<usize>words) << 2
  }
  return digest
}

/**
 * What the weights [rows] f32 of rows add to their digests, modulo 2^32: beside what `gather` or
 * `gatherContext` returns.
 */
export function digestWeights(
  users: usize,
  restaurants: usize,
  clicks: usize,
  weights: usize,
  rows: i32,
): u32 {
  let digest: u32 = 0
  for (let row: i32 = 0; row < rows; row++) {
    const at = (<usize>row) << 2
    const click = digestOf(
      load<u32>(users + at),
      load<u32>(restaurants + at),
      <u32>load<u8>(clicks + <usize>row),
    )
    digest += (click ^ load<u32>(weights + at)) * 0x01000193
  }
  return digest
}

function digestOf(user: u32, restaurant: u32, click: u32): u32 {
  return (((user + 1) * 0x9e3779b1) ^ ((restaurant + 1) * 0x85ebca77)) + (click + 1) * 0xc2b2ae3d
}

function copy(to: usize, from: usize, bytes: usize): void {
  const end = from + bytes
  while (from < end) {
    v128.store(to, v128.load(from))
    from += 16
    to += 16
  }
}

/**
 * Reads one word of every cache line that the rows will be copied from. WebAssembly has no prefetch; loads
 * that nothing waits for keep a dozen misses in flight, where a copy waits for each row.
 */
export function touch(indices: usize, rows: i32, table: usize, stride: usize, bytes: usize): void {
  const end = indices + ((<usize>rows) << 2)
  let sum: i32 = 0
  while (indices < end) {
    const from = table + <usize>load<u32>(indices) * stride
    let at: usize = 0
    while (at < bytes) {
      sum |= load<i32>(from + at)
      at += 64
    }
    indices += 4
  }
  touched(sum)
}

/** Takes what was read for its cache line alone, so that the loads are not removed. */
export function touched(sum: i32): void {
  keep = sum
}

// A global that nobody reads.
let keep: i32 = 0
