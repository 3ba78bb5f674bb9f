package operator

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"

	"github.com/millrace/millrace/engine/format"
	"github.com/millrace/millrace/engine/record"
	"github.com/millrace/millrace/engine/topology"
	"github.com/millrace/millrace/sql/plan"
	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/codec"
)

// What a subscription asks of the right table's task.
const (
	deleteSilently = iota // forget the subscription
	deleteAndAnswer
	answerAlways  // keep the subscription and answer, with nothing if the row is absent
	answerIfFound // keep it and answer only if the row is there
)

// foreignLeft is the left half of a foreign-key join. It keeps the left rows, each with its foreign key; a change of one
// becomes subscriptions, and an answer that still belongs to the present left row becomes a row of the join.
type foreignLeft struct {
	joined
	node   *plan.ForeignKeyJoin
	env    *Env
	next   Operator
	store  state.KeyValueStore
	result state.KeyValueStore // nil: nobody asks for old rows, nor for all of them
	rows   *tableRows          // of the result
	expr   Evaluator
	fk     *codec.Key
	format format.Encoder
	topic  string
	inner  bool
	fkBuf  []byte
	was    []byte
	buf    []byte
	accept admission
}

func newForeignLeft(n *plan.ForeignKeyJoin, env *Env, next Operator) (*foreignLeft, error) {
	fk := n.ForeignKey.Type()
	j := &foreignLeft{
		joined: newJoined(n.Left, n.Right, n.Out), node: n, env: env, next: next, rows: newTableRows(n.Out),
		fk: codec.NewKey([]*types.Type{fk}), inner: n.Kind == plan.Inner,
	}
	j.topic, _ = env.Sub.ForeignTopics(n)
	var err error
	if j.expr, err = env.Compile(n, n.ForeignKey); err != nil {
		return nil, err
	}
	cols := []format.Column{{Name: "FK", Type: fk}}
	if j.format, err = format.NewEncoder(topology.ForeignKeyFormat(n), cols, format.Options{Key: true}); err != nil {
		return nil, fmt.Errorf("make foreign key encoder of %s: %w", n.ID, err)
	}
	if j.store, err = openKeyValue(env, n.ID, "left"); err != nil {
		return nil, err
	}
	if _, ok := env.Sub.StoreID(n.ID, ""); ok {
		j.result, err = openKeyValue(env, n.ID, "")
	}
	return j, err
}

func openKeyValue(env *Env, node, role string) (state.KeyValueStore, error) {
	id, ok := env.Sub.StoreID(node, role)
	if !ok {
		return nil, fmt.Errorf("the topology has no %s store for %s", role, node)
	}
	return env.Stores.KeyValue(id)
}

// Process takes changes of the left table.
func (j *foreignLeft) Process(b *vector.Batch) error {
	fk, err := j.expr.Eval(b)
	if err != nil {
		return err
	}
	if b = j.accept.accepted(j.env, b); b == nil {
		return nil
	}
	j.begin(b)
	j.sides[leftSide].key.begin(b)
	for i := range b.Rows() {
		r := b.Row(i)
		if b.Op(r) == vector.UpdateBefore || b.NullKey.Has(r) {
			continue
		}
		if err := j.change(b, r, fk); err != nil {
			return fmt.Errorf("join rows of %s: %w", j.node.ID, err)
		}
	}
	return j.flow()
}

func (j *foreignLeft) flow() error {
	if j.out.N == 0 {
		return nil
	}
	return j.next.Process(&j.out)
}

// A stored left row is its foreign key behind its length, then the row.

func splitLeft(data []byte) (fk, row []byte) {
	n, size := binary.Uvarint(data)
	if size <= 0 || n > uint64(len(data)-size) {
		return nil, nil
	}
	return data[size : size+int(n)], data[size+int(n):]
}

// change stores a left row and sends what follows from its change of foreign key.
func (j *foreignLeft) change(b *vector.Batch, r int, fk *vector.Vector) error {
	key := j.sides[leftSide].key.key(r)
	was, err := j.store.Get(key)
	if err != nil {
		return err
	}
	known := was != nil
	j.was = append(j.was[:0], was...)
	oldFK, _ := splitLeft(j.was)
	if b.Op(r) == vector.Delete {
		if err := j.store.Delete(key); err != nil {
			return err
		}
		if !known {
			return nil
		}
		return j.without(b, r, key, oldFK, nil, true)
	}
	j.fkBuf = j.fkBuf[:0]
	if !fk.IsNull(r) {
		j.fkBuf = j.fk.Append(j.fkBuf, []*vector.Vector{fk}, r)
	}
	row := j.sides[leftSide].rows.encode(b, r)
	j.buf = append(append(binary.AppendUvarint(j.buf[:0], uint64(len(j.fkBuf))), j.fkBuf...), row...)
	if err := j.store.Put(key, j.buf); err != nil {
		return err
	}
	hash := hashRow(row)
	if len(j.fkBuf) == 0 {
		return j.without(b, r, key, oldFK, row, known)
	}
	how := byte(answerAlways)
	switch {
	case len(oldFK) > 0 && string(oldFK) != string(j.fkBuf):
		if err := j.send(b, r, deleteSilently, key, oldFK, nil); err != nil {
			return err
		}
	case j.inner:
		how = answerIfFound
	}
	return j.send(b, r, how, key, j.fkBuf, hash)
}

// without deals with a row that has no foreign key any more: it was deleted (row nil), or its key is NULL.
func (j *foreignLeft) without(b *vector.Batch, r int, key, oldFK, row []byte, known bool) error {
	if j.inner {
		if len(oldFK) == 0 {
			return nil
		}
		return j.send(b, r, deleteAndAnswer, key, oldFK, hashRow(row))
	}
	if len(oldFK) > 0 {
		if err := j.send(b, r, deleteSilently, key, oldFK, nil); err != nil {
			return err
		}
	}
	if row == nil && !known {
		return nil
	}
	return j.emit(b, r, key, row, nil, b.Time[r])
}

// send writes a subscription.
func (j *foreignLeft) send(b *vector.Batch, r int, how byte, key, fk, hash []byte) error {
	o := j.env.Out
	fkCol := vector.New(j.node.ForeignKey.Type())
	if _, err := j.fk.Decode(fk, []*vector.Vector{fkCol}); err != nil {
		return err
	}
	rec := record.Out{Topic: j.topic, Partition: -1, Timestamp: b.Time[r], Headers: headersOf(b, r)}
	mark := len(o.arena)
	var err error
	if o.arena, err = j.format.Append(o.arena, []*vector.Vector{fkCol}, 0); err != nil {
		return fmt.Errorf("encode a foreign key: %w", err)
	}
	rec.Key = o.since(mark)
	mark = len(o.arena)
	o.arena = appendMessage(o.arena, how, uint32(j.env.Partition), fk, key, hash)
	rec.Value = o.since(mark)
	o.Records = append(o.Records, rec)
	return nil
}

// A message is what it asks for, the left partition, and three byte strings behind their lengths.
func appendMessage(dst []byte, how byte, partition uint32, parts ...[]byte) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, how), partition)
	for _, p := range parts {
		dst = append(binary.AppendUvarint(dst, uint64(len(p))), p...)
	}
	return dst
}

func readMessage(data []byte) (how byte, partition uint32, parts [3][]byte, err error) {
	if len(data) < 5 {
		return 0, 0, parts, codec.ErrTruncated
	}
	how, partition, data = data[0], binary.BigEndian.Uint32(data[1:]), data[5:]
	for i := range parts {
		n, size := binary.Uvarint(data)
		if size <= 0 || n > uint64(len(data)-size) {
			return 0, 0, parts, codec.ErrTruncated
		}
		parts[i], data = data[size:size+int(n)], data[size+int(n):]
	}
	return how, partition, parts, nil
}

// hashRow is the fingerprint of a left row without its timestamp; of none, nothing.
func hashRow(row []byte) []byte {
	if len(row) < 8 {
		return nil
	}
	h := fnv.New128a()
	h.Write(row[8:])
	return h.Sum(nil)
}

// answer takes an answer of the right half.
func (j *foreignLeft) answer(b *vector.Batch, r int, data []byte) error {
	_, _, parts, err := readMessage(data)
	if err != nil {
		return err
	}
	key, hash, right := parts[0], parts[1], parts[2]
	stored, err := j.store.Get(key)
	if err != nil {
		return err
	}
	var row []byte
	if stored != nil {
		_, row = splitLeft(stored)
	}
	if string(hashRow(row)) != string(hash) {
		return nil // the left row has changed since it asked; another answer will come
	}
	return j.emit(b, r, key, row, right, b.Time[r])
}

// emit tells the joined row of a left row and what was found for it, or that there is none.
func (j *foreignLeft) emit(b *vector.Batch, r int, key, row, right []byte, t int64) error {
	if len(right) == 0 {
		right = nil
	}
	has := row != nil && (right != nil || !j.inner)
	var old []byte
	if j.result != nil {
		var err error
		if old, err = j.result.Get(key); err != nil {
			return err
		}
	}
	op := vector.Insert
	if old != nil {
		if _, err := j.rows.decode(old, j.out.Cols); err != nil {
			return err
		}
		if !has {
			j.push(b, r, vector.Delete, t)
			return j.result.Delete(key)
		}
		j.push(b, r, vector.UpdateBefore, t)
		op = vector.UpdateAfter
	}
	if err := j.columns(key, row, right, has); err != nil {
		return err
	}
	if !has {
		j.out.NullValue = j.out.NullValue.Set(j.out.N)
		op = vector.Delete
	} else if j.result == nil {
		op = vector.UpdateAfter
	}
	j.push(b, r, op, t)
	if j.result == nil || !has {
		return nil
	}
	return j.result.Put(key, j.rows.encode(&j.out, j.out.N-1))
}

// columns appends the columns of a joined row, or of a tombstone.
func (j *foreignLeft) columns(key, row, right []byte, has bool) error {
	cols := j.out.Cols
	if err := j.addKey(leftSide, key); err != nil {
		return err
	}
	split := j.head + j.sides[leftSide].cols
	left, other := half{data: row}, half{data: right}
	if !has {
		left, other = half{}, half{}
	}
	if err := j.fill(cols[j.head:split], left, leftSide); err != nil {
		return err
	}
	return j.fill(cols[split:], other, rightSide)
}

func (j *foreignLeft) push(b *vector.Batch, r int, op vector.Op, t int64) {
	for len(j.out.Ops) < j.out.N {
		j.out.Ops = append(j.out.Ops, vector.Insert)
	}
	j.out.Ops = append(j.out.Ops, op)
	j.finish(b, r, t)
}

// answers is the operator that takes answers.
type answers struct{ j *foreignLeft }

// Process implements Operator.
func (a answers) Process(b *vector.Batch) error {
	a.j.begin(b)
	for i := range b.Rows() {
		r := b.Row(i)
		if err := a.j.answer(b, r, b.Cols[0].Str(r)); err != nil {
			return fmt.Errorf("take answers of %s: %w", a.j.node.ID, err)
		}
	}
	return a.j.flow()
}
