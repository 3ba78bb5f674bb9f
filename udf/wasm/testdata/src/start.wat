;; It never starts.
(module
  (func $start (loop (br 0)))
  (func (export "f") (param i32) (result i32) (local.get 0))
  (start $start))
