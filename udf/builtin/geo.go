package builtin

import (
	"fmt"
	"math"
	"strings"

	"github.com/millrace/millrace/udf"
)

// Radii of the earth.
const (
	radiusKm    = 6371.0
	radiusMiles = 3959.0
)

func geoFunctions() []udf.Function {
	const points = "lat1 DOUBLE, lon1 DOUBLE, lat2 DOUBLE, lon2 DOUBLE"
	return []udf.Function{function("GEO_DISTANCE", "The distance of two points on the earth's surface, in km or, by units, miles.",
		on(points+" -> DOUBLE", geoDistance), on(points+", units STRING -> DOUBLE", geoDistance))}
}

// geoDistance is the haversine formula.
func geoDistance(_ *udf.Call, a []any) (any, error) {
	radius := radiusKm
	if len(a) == 5 {
		switch strings.ToLower(trim(a[4].(string))) {
		case "", "km", "kilometer", "kilometers", "kilometre", "kilometres": //nolint:misspell // both spellings are units
		case "mi", "mile", "miles":
			radius = radiusMiles
		default:
			return nil, fmt.Errorf("unknown unit %q: it is km or miles", a[4])
		}
	}
	lat1, lon1, lat2, lon2 := a[0].(float64), a[1].(float64), a[2].(float64), a[3].(float64)
	if math.Abs(lat1) > 90 || math.Abs(lat2) > 90 || math.Abs(lon1) > 180 || math.Abs(lon2) > 180 {
		return nil, fmt.Errorf("latitudes lie within -90 and 90, longitudes within -180 and 180")
	}
	rad := func(deg float64) float64 { return deg / 180 * math.Pi }
	dLat, dLon := math.Sin(rad(lat2-lat1)/2), math.Sin(rad(lon2-lon1)/2)
	h := dLat*dLat + dLon*dLon*math.Cos(rad(lat1))*math.Cos(rad(lat2))
	return 2 * math.Asin(math.Sqrt(h)) * radius, nil
}
