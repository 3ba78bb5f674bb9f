;; It wants 1 GB at once.
(module
  (memory (export "memory") 16384)
  (func (export "f") (param i32) (result i32) (local.get 0)))
