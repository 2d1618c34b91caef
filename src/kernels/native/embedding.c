#include "adam.h"

// As src/kernels/assembly/embedding.ts and embeddingAdam.ts. Nearly all of the time goes on waiting for rows of tables that are
// larger than the caches, so what comes AHEAD is fetched meanwhile.
#define AHEAD 64
#define CHUNK_FLOATS 2048 // that are updated together: of p, m and v they fit the first cache

INLINE uint32_t *wordsOf(const double *q, int i) { return (uint32_t *)floatsOf(q, i); }

/** How many codes of a list stand for something. */
INLINE int codeCount(const uint32_t *codes, int slots) {
  int count = 0;
  for (int slot = 0; slot < slots; slot++) count += codes[slot] != 0;
  return count;
}

INLINE void meanRow(float *to, const uint32_t *codes, int slots, const float *table, int dim) {
  const int count = codeCount(codes, slots);
  if (count == 0) {
    copy(to, table, dim);
    return;
  }
  const float share = 1.0f / (float)count;
  for (int i = 0; i < dim; i += 4) {
    four sum = {0, 0, 0, 0};
    for (int slot = 0; slot < slots; slot++)
      if (codes[slot] != 0) sum += *(const four *)(table + (size_t)codes[slot] * dim + i);
    *(four *)(to + i) = sum * splatFour(share);
  }
}

EXPORT double FAMILY(embed)(double address) {
  enum { X = 1, LDX, INDICES, ROWS_TABLE, ROWS_STRIDE, WORD, SLOTS, TABLE, DIM, OUT, LDO, ROWS };
  const double *q = argumentsAt(address);
  const uint32_t *index = wordsOf(q, INDICES), *first = wordsOf(q, ROWS_TABLE) + (size_t)q[WORD];
  const size_t ldx = q[LDX], stride = q[ROWS_STRIDE], ldo = q[LDO];
  const int slots = q[SLOTS], dim = q[DIM], rows = q[ROWS];
  const float *table = floatsOf(q, TABLE);
  float *x = floatsOf(q, X);
  uint32_t *out = q[OUT] == 0 ? 0 : wordsOf(q, OUT);
  for (int from = 0; from < rows; from += AHEAD) {
    const int to = from + AHEAD < rows ? from + AHEAD : rows;
    for (int row = from; row < to; row++) {
      const uint32_t *codes = first + index[row] * stride;
      for (int slot = 0; slot < slots; slot++) fetch(table + (size_t)codes[slot] * dim, 4 * dim);
    }
    for (int row = from; row < to; row++, x += ldx) {
      const uint32_t *codes = first + index[row] * stride;
      if (out) {
        for (int slot = 0; slot < slots; slot++) out[slot] = codes[slot];
        out += ldo;
      }
      if (slots == 1) copy(x, table + (size_t)codes[0] * dim, dim);
      else meanRow(x, codes, slots, table, dim);
    }
  }
  return 0;
}

/** Where a batch's gradients are summed by code. */
typedef struct {
  uint32_t *sumOf;   // [codes], 1 + the place of its sum; 0: none
  uint32_t *touched; // [sums], the code of each
  float *sums;       // [sums, dim]
  uint32_t count;
} Sums;

/** Gradients of single codes, in the order of the rows. */
INLINE void sumSingles(Sums *s, const uint32_t *codes, size_t ldc, const float *deltas, size_t ldd, int dim, int rows) {
  for (int row = 0; row < rows; row++, codes += ldc, deltas += ldd) {
    if (row + AHEAD < rows) __builtin_prefetch(s->sumOf + codes[AHEAD * ldc]);
    const uint32_t sum = s->sumOf[*codes];
    if (sum == 0) {
      copy(s->sums + (size_t)s->count * dim, deltas, dim);
      s->touched[s->count] = *codes;
      s->sumOf[*codes] = ++s->count;
    } else {
      float *to = s->sums + (size_t)(sum - 1) * dim;
      for (int i = 0; i < dim; i += 4) *(four *)(to + i) += *(const four *)(deltas + i);
    }
  }
}

/** The same of lists, each code with its share of the row's gradient; and of some codes alone. */
INLINE void sumLists(Sums *s, const uint32_t *codes, size_t ldc, int slots, uint32_t residue, uint32_t mask, const float *deltas,
                     size_t ldd, int dim, int rows) {
  for (int row = 0; row < rows; row++, codes += ldc, deltas += ldd) {
    const int listed = slots == 1 ? 1 : codeCount(codes, slots);
    const float share = 1.0f / (float)(listed > 1 ? listed : 1);
    for (int slot = 0; slot < slots; slot++) {
      const uint32_t code = codes[slot];
      // 0 stands for no code, but a single one, or a list of nothing else, took row 0.
      if (code == 0 && slots > 1 && (listed > 0 || slot > 0)) continue;
      if ((code & mask) != residue) continue;
      uint32_t sum = s->sumOf[code];
      float *to = s->sums + (size_t)(sum == 0 ? s->count : sum - 1) * dim;
      if (sum == 0) {
        s->touched[s->count] = code;
        s->sumOf[code] = ++s->count;
        for (int i = 0; i < dim; i++) to[i] = 0;
      }
      for (int i = 0; i < dim; i += 4) *(four *)(to + i) += *(const four *)(deltas + i) * splatFour(share);
    }
  }
}

/** A step of Adam on the rows that have a sum. */
INLINE int updateRows(Sums *s, float *p, float *m, float *v, int dim, const float *penalties, const double *settings) {
  float ps[CHUNK_FLOATS], ms[CHUNK_FLOATS], vs[CHUNK_FLOATS];
  const uint32_t chunk = CHUNK_FLOATS / dim;
  int bad = 0;
  for (uint32_t done = 0; done < s->count; done += chunk) {
    const uint32_t *list = s->touched + done;
    const uint32_t count = s->count - done < chunk ? s->count - done : chunk;
    float *g = s->sums + (size_t)done * dim;
    for (uint32_t k = 0; k < count; k++) {
      if (done + k + AHEAD < s->count) {
        const size_t later = (size_t)list[k + AHEAD] * dim;
        fetch(p + later, 4 * dim), fetch(m + later, 4 * dim), fetch(v + later, 4 * dim);
      }
      const size_t at = (size_t)list[k] * dim;
      s->sumOf[list[k]] = 0;
      copy(ps + k * dim, p + at, dim), copy(ms + k * dim, m + at, dim), copy(vs + k * dim, v + at, dim);
      if (penalties)
        for (int i = 0; i < dim; i += 4)
          *(four *)(g + k * dim + i) += splatFour(penalties[list[k]]) * *(const four *)(ps + k * dim + i);
    }
    bad |= adamStep(ps, g, ms, vs, count * dim, settings);
    for (uint32_t k = 0; k < count; k++) {
      const size_t at = (size_t)list[k] * dim;
      copy(p + at, ps + k * dim, dim), copy(m + at, ms + k * dim, dim), copy(v + at, vs + k * dim, dim);
    }
  }
  return bad;
}

EXPORT double FAMILY(embeddingAdam)(double address) {
  enum { P = 1, M, V, DIM, CODES, LDC, SLOTS, RESIDUE, RESIDUES, DELTAS, LDD, ROWS, SUM_OF, TOUCHED, SUMS, SETTINGS };
  enum { PENALTIES = SETTINGS + 6 };
  const double *q = argumentsAt(address);
  const uint32_t *codes = wordsOf(q, CODES);
  const size_t ldc = q[LDC], ldd = q[LDD];
  const int dim = q[DIM], slots = q[SLOTS], rows = q[ROWS];
  const uint32_t residue = q[RESIDUE], mask = (uint32_t)q[RESIDUES] - 1;
  const float *deltas = floatsOf(q, DELTAS), *penalties = q[PENALTIES] == 0 ? 0 : floatsOf(q, PENALTIES);
  Sums s = {wordsOf(q, SUM_OF), wordsOf(q, TOUCHED), floatsOf(q, SUMS), 0};
  if (slots == 1 && mask == 0) sumSingles(&s, codes, ldc, deltas, ldd, dim, rows);
  else sumLists(&s, codes, ldc, slots, residue, mask, deltas, ldd, dim, rows);
  return updateRows(&s, floatsOf(q, P), floatsOf(q, M), floatsOf(q, V), dim, penalties, q + SETTINGS);
}
