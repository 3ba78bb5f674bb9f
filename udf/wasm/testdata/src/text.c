// Functions in C without a library. clang --target=wasm32 -O2 -nostdlib -Wl,--no-entry text.c

typedef unsigned int u32;
typedef unsigned long long u64;
#define EXPORT(name) __attribute__((export_name(#name)))

extern unsigned char __heap_base;
static u32 top;

// Memory for the arguments: it stays the host's, so there is no free.
EXPORT(alloc) void *alloc(u32 n) {
  if (!top) top = (u32)&__heap_base;
  u32 at = top;
  u32 end = at + n;
  u32 pages = (end + 65535) >> 16;
  u32 have = __builtin_wasm_memory_size(0);
  if (pages > have && __builtin_wasm_memory_grow(0, pages - have) == (u32)-1) return 0;
  top = end;
  return (void *)at;
}

static u64 text(const void *p, u32 n) { return (u64)(u32)p << 32 | n; }

// MASK(s STRING) RETURNS STRING: all but the last four characters become stars, where they stand.
EXPORT(mask) u64 mask(char *s, u32 n) {
  for (u32 i = 0; i + 4 < n; i++) s[i] = '*';
  return text(s, n);
}

// NULL_IF_EMPTY(s STRING) RETURNS STRING
EXPORT(null_if_empty) u64 null_if_empty(char *s, u32 n) { return n ? text(s, n) : ~0ull; }

// JOIN2(a STRING, n INTEGER, b BYTES) RETURNS BYTES: a and b are neighbours only by chance.
static unsigned char joined[1 << 16];
EXPORT(join2) u64 join2(const char *a, u32 an, int times, const char *b, u32 bn) {
  u32 n = 0;
  for (u32 i = 0; i < an && n < sizeof joined; i++) joined[n++] = a[i];
  for (int k = 0; k < times; k++)
    for (u32 i = 0; i < bn && n < sizeof joined; i++) joined[n++] = b[i];
  return text(joined, n);
}

// Scalars.
EXPORT(add) long long add(long long a, int b) { return a + b; }
EXPORT(scale) double scale(double a, double b) { return a * b; }
EXPORT(both) int both(int a, int b) { return a && b; }
EXPORT(divide) int divide(int a, int b) { return a / b; }
EXPORT(hash) long long hash(const unsigned char *s, u32 n) {
  u64 h = 14695981039346656037ull;
  for (u32 i = 0; i < n; i++) h = (h ^ s[i]) * 1099511628211ull;
  return (long long)h;
}

// Functions that misbehave.
EXPORT(spin) int spin(int a) {
  volatile int x = a;
  while (x) { }
  return 0;
}
EXPORT(bomb) int bomb(int a) {
  int pages = 0;
  while (__builtin_wasm_memory_grow(0, 16) != (u32)-1) pages += 16;
  volatile char *end = (volatile char *)((__builtin_wasm_memory_size(0) << 16) - 1);
  *end = a;
  return pages;
}
EXPORT(outside) u64 outside(int at, int n) { return (u64)(u32)at << 32 | (u32)n; }
EXPORT(trap) int trap(int a) {
  if (a) __builtin_trap();
  return a;
}
// It leaks, and traps when its memory is used up: each instance serves a few rows only.
EXPORT(leak) int leak(int a) {
  char *p = alloc(1 << 20);
  if (!p) __builtin_trap();
  p[0] = a;
  return p[0];
}
EXPORT(binary) u64 binary(void) {
  static const char bad[] = {(char)0xff, (char)0xfe};
  return text(bad, 2);
}
