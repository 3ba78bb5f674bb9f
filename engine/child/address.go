package child

import (
	"errors"
	"fmt"
	"syscall"
)

// FreeAddress is a loopback address that nothing listens on, kept for whoever listens there: as long as this program runs, the system gives its
// port to no one who asks for any, nor to a connection. Connections to it are refused until somebody listens.
func FreeAddress() (string, error) {
	port, err := reserve()
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port), nil
}

// reserve binds a socket that never listens, and leaves it open. With SO_REUSEADDR, which a listener in Go has too, both can have the port.
func reserve() (port int, err error) {
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return 0, err
	}
	err = errors.Join(
		syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1),
		syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}),
	)
	var at syscall.Sockaddr
	if err == nil {
		at, err = syscall.Getsockname(fd)
	}
	if err != nil {
		return 0, errors.Join(err, syscall.Close(fd))
	}
	return at.(*syscall.SockaddrInet4).Port, nil
}
