// Package directory lets the servers of a service know of each other: at which URL each answers, which slots it has taken, and how far its
// tasks are.
//
// Every server writes to one topic of the service, which has one partition, and reads it from the moment it starts. A beat, whose key is the server's
// instance id, comes once a second and whenever the slots change; a server of which none came for a while is taken for dead. How a
// query is doing and how far its tasks are stands in a record of its own, which is written every few seconds if it changed, and only if there is
// another server to read it. A null value takes back what its key said. The topic keeps a few minutes: whoever starts knows all others within a beat.
//
// What is here is a hint. Two servers may claim a slot for a moment, or none; who is asked for a partition answers only for what
// it has.
package directory
