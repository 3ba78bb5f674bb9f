;; Three versions of a function.
(module
  (func (export "v1") (param i32) (result i32) (i32.const 1))
  (func (export "v2") (param i32) (result i32) (i32.const 2))
  (func (export "v3") (param i32) (result i32) (i32.const 3)))
