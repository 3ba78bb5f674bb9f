package cluster

import "os"

// Defect is something that a server does wrong on purpose, so that the fault harnesses can show that they would see it. Only
// Config.Defect and the environment variable MILLRACE_INJECT set one, and a server that has one says so when it starts.
type Defect string

// SkipRollback keeps the state that an aborted transaction left, so that its rows are counted again.
const SkipRollback Defect = "skip-rollback"

func (c *Config) setDefect() {
	if c.Defect == "" {
		c.Defect = Defect(os.Getenv("MILLRACE_INJECT"))
	}
	if c.Defect != "" {
		c.Logger.Error("this server has a deliberate defect: its results are wrong", "defect", c.Defect)
	}
}
