// AssemblyScript. asc shout.ts -O3 --runtime minimal --exportRuntime=false

export function alloc(n: i32): usize { return heap.alloc(n); }

// The result's memory: the host reads it before the next call.
let result: ArrayBuffer = new ArrayBuffer(0);

// SHOUT(s STRING) RETURNS STRING
export function shout(at: usize, n: i32): u64 {
  result = String.UTF8.encode(String.UTF8.decodeUnsafe(at, n).toUpperCase() + "!");
  return (u64(changetype<usize>(result)) << 32) | u64(result.byteLength);
}

// NTH(s STRING, n INTEGER) RETURNS INTEGER: it aborts beyond the end, as AssemblyScript does.
export function nth(at: usize, n: i32, i: i32): i32 {
  const bytes = new Uint8Array(n);
  memory.copy(bytes.dataStart, at, n);
  return bytes[i];
}
