// Package meter rewrites WebAssembly modules so that whoever runs them can stop them, at next to no cost.
//
// A runtime cannot interrupt compiled code, and while it runs the whole server waits for it whenever memory is collected. So the code itself has to
// look up from its work now and then. A module gets one global more, its fuel, and one import more, Pause, a function of the host.
// At the head of each loop, and of functions that call others or are long, code takes off the fuel about what is done until it comes by
// again, and where nothing is left it calls Pause, which says how much there is until the next time, or never returns. That is a
// handful of a processor's instructions a turn, and a call of the host every ten microseconds or so.
//
// Fuel is counted in bytes of code: of a loop's body, of a function's, and [maxStraight] for each call in it, since functions as short as that
// are not metered. A loop that has taken off its body may come to any place in it and no further without paying again: at another loop's
// head, at its own, or at a function's.
//
// What takes long at once, and cannot be told from the bytes, is preceded by a call of Pause: filling and copying memory, growing it, and
// functions of the host.
//
// # Numbers
//
// Pause is the last of the imported functions, so the module's own have numbers that are higher by one; the fuel is the last global, and
// the type of Pause the last type. What a module says itself of functions, globals and types is held against what it has, lest it
// touches the fuel.
//
// # Limits
//
// All modules are hostile. [Bound] refuses what would cost the runtime more than it should, by a look at the file: see there. Whatever else is wrong with
// a module the runtime finds out, which validates what was rewritten as it validates any.
package meter
