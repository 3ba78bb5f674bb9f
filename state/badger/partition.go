package badger

import (
	"context"
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"

	"github.com/millrace/millrace/state"
)

// Partition implements [state.Partition].
type Partition struct {
	db             *DB
	data, position []byte // key prefix of the data, key of the position
}

// Position implements [state.Partition].
func (p *Partition) Position() (pos state.Position, ok bool, err error) {
	p.db.use.RLock()
	defer p.db.use.RUnlock()
	err = p.db.db.View(func(txn *badger.Txn) error {
		item, err := txn.Get(p.position)
		if errors.Is(err, badger.ErrKeyNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		ok = true
		return item.Value(func(v []byte) error {
			pos, err = decodePosition(v)
			return err
		})
	})
	if err != nil {
		return pos, false, p.db.readError(fmt.Errorf("changelog position: %w", err))
	}
	return pos, ok, nil
}

// Clear implements [state.Partition]. The position goes first, so that a half-cleared partition is never trusted.
func (p *Partition) Clear(ctx context.Context) error {
	p.db.use.RLock()
	defer p.db.use.RUnlock()
	err := p.db.db.Update(func(txn *badger.Txn) error { return txn.Delete(p.position) })
	for more := err == nil; more && err == nil; {
		if more, err = p.db.deleteSome(p.data, sweepBatch); err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
	}
	if err != nil {
		return fmt.Errorf("clear partition of store in %s: %w", p.db.dir, err)
	}
	return nil
}

// Snapshot implements [state.Partition].
func (p *Partition) Snapshot() state.Snapshot {
	p.db.use.RLock()
	return &snapshot{p: p, txn: p.db.db.NewTransaction(false)}
}

type snapshot struct {
	p    *Partition
	txn  *badger.Txn
	key  []byte
	idle *iterator // closed by its reader, for the next one: to open one in Badger takes much longer than to seek
}

func (s *snapshot) Get(key, dst []byte) ([]byte, bool, error) {
	s.key = append(append(s.key[:0], s.p.data...), key...)
	item, err := s.txn.Get(s.key)
	if errors.Is(err, badger.ErrKeyNotFound) {
		return dst, false, nil
	}
	if err == nil {
		err = item.Value(func(v []byte) error {
			dst = append(dst, v...)
			return complete(item, v)
		})
	}
	if err != nil {
		return dst, false, s.p.db.readError(err)
	}
	return dst, true, nil
}

func (s *snapshot) Iterate(from []byte) (state.Iterator, bool, error) {
	i := s.idle
	if s.idle = nil; i == nil {
		i = &iterator{s: s, it: s.txn.NewIterator(badger.IteratorOptions{Prefix: s.p.data})}
	}
	s.key = append(append(s.key[:0], s.p.data...), from...)
	i.it.Seek(s.key)
	return i, i.load(), nil
}

func (s *snapshot) Close() {
	if s.idle != nil {
		s.idle.it.Close()
	}
	s.txn.Discard()
	s.p.db.use.RUnlock()
}

// complete sees a value that Badger could not read: it only logs that, and gives none.
func complete(item *badger.Item, v []byte) error {
	if len(v) == 0 && item.ValueSize() > 0 {
		return errors.New("a value is missing or does not match its checksum")
	}
	return nil
}

type iterator struct {
	s   *snapshot
	it  *badger.Iterator
	key []byte
}

func (i *iterator) load() bool {
	if !i.it.Valid() {
		return false
	}
	i.key = append([]byte(nil), i.it.Item().Key()[len(i.s.p.data):]...)
	return true
}

func (i *iterator) Key() []byte { return i.key }

func (i *iterator) Value() ([]byte, error) {
	v, err := i.it.Item().ValueCopy([]byte{})
	if err == nil {
		err = complete(i.it.Item(), v)
	}
	if err != nil {
		return nil, i.s.p.db.readError(err)
	}
	if v == nil {
		v = []byte{}
	}
	return v, nil
}

func (i *iterator) Next() (bool, error) {
	i.it.Next()
	return i.load(), nil
}

func (i *iterator) Close() {
	if i.s.idle != nil {
		i.it.Close()
		return
	}
	i.s.idle = i
}

// readError marks what a read met as corruption: a store that answers wrongly is rebuilt, never argued with.
func (d *DB) readError(err error) error {
	return &CorruptError{Dir: d.dir, Err: fmt.Errorf("read: %w", err)}
}
