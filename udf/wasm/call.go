package wasm

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/tetratelabs/wazero/api"

	"github.com/millrace/millrace/sql/types"
	"github.com/millrace/millrace/sql/vector"
)

// maxStopped is how long a task may wait, from one commit to the next, for rows that are stopped in the end. A batch that would wait longer fails
// whole: it would hold up whatever shares its transaction.
const maxStopped = 5 * time.Second

// Call evaluates the function for the rows listed, which ascend. The arguments are flat or const and not NULL in these rows. It sets the
// rows' elements of out, which has its length already if its type has a fixed width, and to which texts are appended otherwise (see
// vector.PadTo). A row that fails is told to fail, which makes it NULL. The error is of the batch: no row of it counts. A row that is stopped
// takes its time off patience, and is an error when there is none left.
func (m *Module) Call(args []*vector.Vector, rows []int32, out *vector.Vector, fail func(row int, err error), patience *time.Duration) error {
	if len(rows) == 0 {
		return nil
	}
	i, err := m.take()
	if err != nil {
		return err
	}
	for _, r := range rows {
		row := int(r)
		err := m.row(i, args, row, out)
		if err == nil {
			i.used = true
			continue
		}
		i, err = m.again(i, err, args, row, out)
		if err == nil {
			continue
		}
		if i == nil {
			return err
		}
		if errors.Is(err, errTimeout) {
			if *patience -= m.def.Timeout; *patience < 0 {
				m.give(i)
				return fmt.Errorf("function %s: a row took longer than %s, and the query cannot go on without it", m.def.Name, m.def.Timeout)
			}
			err = fmt.Errorf("it took longer than %s", m.def.Timeout)
		}
		fail(row, fmt.Errorf("function %s: %w", m.def.Name, err))
	}
	m.give(i)
	return nil
}

// again goes on after a row that failed, in a fresh instance. A row that failed in one that was used before is evaluated there once more,
// unless it took too long. A nil instance means that there is none, and the error says why.
func (m *Module) again(i *instance, failed error, args []*vector.Vector, row int, out *vector.Vector) (*instance, error) {
	for {
		used := i.used
		m.drop(i)
		var err error
		if i, err = m.fresh(); err != nil {
			return nil, err
		}
		if !used || errors.Is(failed, errTimeout) {
			return i, failed
		}
		if failed = m.row(i, args, row, out); failed == nil {
			i.used = true
			return i, nil
		}
	}
}

func (m *Module) take() (*instance, error) {
	if i := m.idle.take(); i != nil {
		i.watch()
		return i, nil
	}
	return m.fresh()
}

func (m *Module) fresh() (*instance, error) {
	i, err := m.instantiate(context.Background())
	if err != nil {
		return nil, fmt.Errorf("function %s: %w", m.def.Name, err)
	}
	i.watch()
	return i, nil
}

func (m *Module) give(i *instance) {
	i.rest()
	m.idle.put(i)
}

func (m *Module) drop(i *instance) {
	i.rest()
	i.close()
}

// row evaluates one row.
func (m *Module) row(i *instance, args []*vector.Vector, row int, out *vector.Vector) error {
	i.stderr.text = i.stderr.text[:0]
	i.begin()
	err := m.enter(i, args, row)
	if err == nil {
		err = i.call.CallWithStack(context.Background(), i.stack)
	}
	if !i.end() {
		return errTimeout
	}
	if err != nil {
		return i.reason(err)
	}
	return m.leave(i, row, out)
}

// enter puts the arguments of a row on the stack, and texts into the instance's memory.
func (m *Module) enter(i *instance, args []*vector.Vector, row int) error {
	if m.alloc != "" {
		if err := m.texts(i, args, row); err != nil {
			return err
		}
	}
	at, slot := i.args, 0
	for p, kind := range m.params {
		v := args[p]
		r := element(v, row)
		switch kind {
		case types.KindBoolean:
			i.stack[slot] = 0
			if v.Bool[r] {
				i.stack[slot] = 1
			}
		case types.KindInt, types.KindDate, types.KindTime:
			i.stack[slot] = api.EncodeI32(v.I32[r])
		case types.KindBigint, types.KindTimestamp:
			i.stack[slot] = uint64(v.I64[r])
		case types.KindDouble:
			i.stack[slot] = math.Float64bits(v.F64[r])
		default:
			n := uint32(v.Off[r+1] - v.Off[r])
			i.stack[slot], i.stack[slot+1] = uint64(at), uint64(n)
			at += n
			slot++
		}
		slot++
	}
	return nil
}

// texts copies the STRING and BYTES arguments of a row into the instance, one behind the other.
func (m *Module) texts(i *instance, args []*vector.Vector, row int) error {
	total := 0
	for p, kind := range m.params {
		if isText(kind) {
			r := element(args[p], row)
			total += int(args[p].Off[r+1] - args[p].Off[r])
		}
	}
	if int64(total) > m.def.Memory {
		return fmt.Errorf("its arguments have %d bytes, and its memory is %d", total, m.def.Memory)
	}
	if err := i.reserve(uint32(total)); err != nil {
		return err
	}
	at := i.args
	for p, kind := range m.params {
		if !isText(kind) {
			continue
		}
		v, r := args[p], element(args[p], row)
		text := v.Data[v.Off[r]:v.Off[r+1]]
		if !i.memory.Write(at, text) {
			return errors.New("the memory of the arguments is gone")
		}
		at += uint32(len(text))
	}
	return nil
}

// element is where a row's value is.
func element(v *vector.Vector, row int) int {
	if v.Const {
		return 0
	}
	return row
}

// maxResult bounds a result: a batch has room for one of every row.
const maxResult = 1 << 20

// null is the STRING or BYTES result that is NULL.
const null = math.MaxUint64

// leave takes the result off the stack.
func (m *Module) leave(i *instance, row int, out *vector.Vector) error {
	result := i.stack[0]
	switch m.returns {
	case types.KindBoolean:
		out.Bool[row] = uint32(result) != 0
	case types.KindInt, types.KindDate, types.KindTime:
		out.I32[row] = api.DecodeI32(result)
	case types.KindBigint, types.KindTimestamp:
		out.I64[row] = int64(result)
	case types.KindDouble:
		out.F64[row] = oneNaN(api.DecodeF64(result))
	default:
		if result == null {
			out.Nulls = out.Nulls.Set(row)
			return nil
		}
		at, n := uint32(result>>32), uint32(result)
		if n > maxResult {
			return fmt.Errorf("its result has %d bytes: a result has %d at most", n, maxResult)
		}
		text, ok := i.memory.Read(at, n)
		if !ok {
			return fmt.Errorf("its result of %d bytes at %d is outside of its memory", n, at)
		}
		if m.returns == types.KindString && !utf8.Valid(text) {
			return errors.New("its result is no valid UTF-8")
		}
		out.PadTo(row)
		out.AppendBytes(text)
	}
	return nil
}

// oneNaN makes every NaN the same one: which bits a NaN has is the processor's choice.
func oneNaN(v float64) float64 {
	if math.IsNaN(v) {
		return math.NaN()
	}
	return v
}
