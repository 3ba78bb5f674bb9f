package badger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/fb"
	"github.com/dgraph-io/badger/v4/pb"
	"github.com/dgraph-io/badger/v4/table"
	"github.com/dgraph-io/badger/v4/y"
	"google.golang.org/protobuf/proto"
)

// verify reads all tables of a database that nobody has open, and returns a [CorruptError] if one cannot be what was written. Badger
// itself opens tables in goroutines of its own, trusts the lengths in them before it looks at their checksums, and panics: a server
// with such a table would die at every start. Later it takes a block that does not match for the end of the data.
//
// A table ends with: index, its length, checksum of the index, the length of that; a block with: number of entries, checksum of all
// before it, the length of that. Lengths and the number have 4 bytes each, big endian.
func verify(dir string, o badger.Options) error {
	release, free := lockDir(dir)
	if !free {
		return nil // another process has it open: Badger says so
	}
	defer release()
	f, err := os.Open(filepath.Join(dir, badger.ManifestFilename))
	if errors.Is(err, fs.ErrNotExist) {
		return verifyEmpty(dir)
	}
	if err != nil {
		return fmt.Errorf("open store in %s: %w", dir, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	m, end, err := badger.ReplayManifestFile(f, o.ExternalMagicVersion, o)
	if err != nil {
		return &CorruptError{Dir: dir, Err: fmt.Errorf("read manifest: %w", err)}
	}
	// Badger would go on with what is whole, without the tables that the rest names, but with the positions in its log.
	if info, err := f.Stat(); err != nil || info.Size() != end {
		return &CorruptError{Dir: dir, Err: errors.Join(err, fmt.Errorf("the manifest is torn at %d", end))}
	}
	for id := range m.Tables {
		path := table.NewFilename(id, dir)
		if err := verifyTable(path); err != nil {
			return &CorruptError{Dir: dir, Err: fmt.Errorf("verify %s: %w", filepath.Base(path), err)}
		}
	}
	return nil
}

// verifyEmpty makes sure that a database without a manifest holds no data: Badger would begin anew with what is in its log, and take
// positions in there for those of data that is gone.
func verifyEmpty(dir string) error {
	for _, pattern := range []string{"*.sst", "*.mem"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return fmt.Errorf("open store in %s: %w", dir, err)
		}
		if len(files) > 0 {
			return &CorruptError{Dir: dir, Err: errors.New("the manifest is gone")}
		}
	}
	return nil
}

var errLength = errors.New("a length lies outside of the file")

func verifyTable(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return err
	}
	t := reader{f, info.Size()}
	index, err := t.index()
	if err != nil {
		return fmt.Errorf("index: %w", err)
	}
	var at fb.BlockOffset
	for i := range index.OffsetsLength() {
		if !index.Offsets(&at, i) {
			return errLength
		}
		block, err := t.read(int64(at.Offset()), int64(at.Len()))
		if err == nil {
			err = verifyBlock(block)
		}
		if err != nil {
			return fmt.Errorf("block %d: %w", i, err)
		}
	}
	return nil
}

// reader reads pieces of a file of a known size.
type reader struct {
	f    *os.File
	size int64
}

func (r reader) read(at, n int64) ([]byte, error) {
	if at < 0 || n < 0 || at > r.size-n {
		return nil, errLength
	}
	b := make([]byte, n)
	_, err := r.f.ReadAt(b, at)
	return b, err
}

func (r reader) index() (*fb.TableIndex, error) {
	tail, err := r.read(r.size-4, 4)
	if err != nil {
		return nil, err
	}
	sumLen := int64(binary.BigEndian.Uint32(tail))
	tail, err = r.read(r.size-4-sumLen-4, 4+sumLen)
	if err != nil {
		return nil, err
	}
	indexLen := int64(binary.BigEndian.Uint32(tail))
	data, err := r.read(r.size-4-sumLen-4-indexLen, indexLen)
	if err != nil {
		return nil, err
	}
	if len(data) < 8 { // nothing has the checksum nothing: a tail of zeros would do
		return nil, errLength
	}
	if err := verifySum(data, tail[4:]); err != nil {
		return nil, err
	}
	index := fb.GetRootAsTableIndex(data, 0)
	if index.OffsetsLength() == 0 {
		return nil, errors.New("it names no blocks")
	}
	return index, nil
}

func verifyBlock(b []byte) error {
	end := len(b) - 4
	if end < 0 {
		return errLength
	}
	start := end - int(binary.BigEndian.Uint32(b[end:]))
	if start < 4 || start > end {
		return errLength
	}
	if err := verifySum(b[:start], b[start:end]); err != nil {
		return err
	}
	if entries := int(binary.BigEndian.Uint32(b[start-4:])); entries > (start-4)/4 {
		return errLength
	}
	return nil
}

// verifySum compares data with its checksum, which is a Protobuf message.
func verifySum(data, sum []byte) error {
	want := &pb.Checksum{}
	if err := proto.Unmarshal(sum, want); err != nil {
		return fmt.Errorf("read checksum: %w", err)
	}
	if want.Algo != pb.Checksum_CRC32C && want.Algo != pb.Checksum_XXHash64 {
		return fmt.Errorf("read checksum: it is of the unknown kind %d", want.Algo)
	}
	return y.VerifyChecksum(data, want)
}
