package meter

import "slices"

// check is the code that meters.
type check struct {
	spend  []byte // takes a price off the fuel, and refuels if there is none left
	price  int    // where in spend the price is
	refuel []byte // calls Pause
}

// newCheck writes the code for a module of so many imported functions and globals, behind which are Pause and the fuel.
func newCheck(imported, globals uint32) check {
	get, set := appendNumber([]byte{opGlobalGet}, globals), appendNumber([]byte{opGlobalSet}, globals)
	refuel := append(appendNumber([]byte{opCall}, imported), set...)
	return check{
		spend: slices.Concat(
			get, []byte{opI32Const}, make([]byte, priceBytes), []byte{opI32Sub}, set,
			get, []byte{opI32Const, 0, opI32LtS, opIf, noResult}, refuel, []byte{opEnd}),
		price:  len(get) + 1,
		refuel: refuel,
	}
}

const priceBytes = 5

// putPrice writes a number of 31 bits with all the bytes that it may have: it is known only after what is behind it was written.
func putPrice(at []byte, price uint32) {
	for i := range priceBytes - 1 {
		at[i] = byte(price>>(7*i)) | 0x80
	}
	at[priceBytes-1] = byte(price >> (7 * (priceBytes - 1)))
}
