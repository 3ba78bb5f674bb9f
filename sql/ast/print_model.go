package ast

import "strings"

func (s *AlterModel) String() string {
	return "ALTER MODEL " + s.Name.String() + " " + s.Action.String()
}

func (a *SetTraffic) String() string {
	shares := make([]string, len(a.Shares))
	for i, s := range a.Shares {
		shares[i] = s.Version.String() + " = " + s.Percent.String()
	}
	text := "SET TRAFFIC (" + strings.Join(shares, ", ") + ")"
	if a.By != nil {
		text += " BY " + a.By.String()
	}
	return text
}

func (a *SetShadow) String() string {
	if len(a.Versions) == 0 {
		return "SHADOW OFF"
	}
	return "SHADOW " + list(a.Versions)
}

func (a *SetCanary) String() string {
	text := "CANARY " + a.Version.String() + " TRAFFIC " + a.Percent.String()
	if a.By != nil {
		text += " BY " + a.By.String()
	}
	if a.Labels != nil {
		text += " LABELS " + a.Labels.String()
	}
	if a.Promote != nil {
		text += " PROMOTE WHEN " + a.Promote.String()
	}
	if a.Rollback != nil {
		text += " ROLLBACK WHEN " + a.Rollback.String()
	}
	return text
}

func (a *Promote) String() string { return "PROMOTE " + a.Version.String() }

func (*Rollback) String() string { return "ROLLBACK" }
