;; Its table wants to become as large as memory.
(module
  (table 1 funcref)
  (func (export "f") (param i32) (result i32)
    (table.grow (ref.null func) (local.get 0))))
