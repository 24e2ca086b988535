package parquet

// leafForm says what the values of a column become. A type that has no form here is
// not read, and never read as if it were another.
func leafForm(e element) (f form, ok bool) {
	switch e.physical {
	case pBoolean:
		return asBool, e.plain()
	case pInt32, pInt64:
		return e.wholeForm()
	case pInt96:
		return asOldNanos, e.plain()
	case pFloat, pDouble:
		return asFloat, e.plain()
	case pBytes, pFixed:
		return e.bytesForm()
	}
	return 0, false
}

// plain reports that the column says nothing beyond its type, or that it holds nulls
// alone.
func (e element) plain() bool {
	return e.converted < 0 && e.logical < 0 || e.logical == logicalUnknown
}

// is reports that a column is of a logical type, or of the older converted type where
// it has no logical one.
func (e element) is(logical, converted int64) bool {
	return e.logical == logical || e.logical < 0 && e.converted == converted
}

// none is a converted type that no column has.
const none = -2

// wholeForm is the form of INT32 and INT64.
func (e element) wholeForm() (form, bool) {
	long := e.physical == pInt64
	timed := func(unit, converted int64, logical int64) bool {
		return e.logical == logical && e.unit == unit || e.logical < 0 && e.converted == converted
	}
	old := e.logical < 0 && e.converted >= convertedUint8 && e.converted <= convertedInt64
	switch {
	case e.logical == logicalInteger && !e.signed || old && e.converted <= convertedUint64:
		return asUnsigned, true
	case e.plain() || e.logical == logicalInteger || old:
		return asInt, true
	case e.is(logicalDecimal, convertedDecimal):
		return asDecimal, e.scale >= 0 && e.scale <= maxScale
	case !long && e.is(logicalDate, convertedDate):
		return asDate, true
	case !long && timed(1, convertedTimeMillis, logicalTime):
		return asTimeMillis, true
	case long && timed(2, convertedTimeMicros, logicalTime):
		return asTimeMicros, true
	case long && timed(3, none, logicalTime):
		return asTimeNanos, true
	case long && timed(1, convertedMillis, logicalTimestamp):
		return asMillis, true
	case long && timed(2, convertedMicros, logicalTimestamp):
		return asMicros, true
	case long && timed(3, none, logicalTimestamp):
		return asNanos, true
	}
	return 0, false
}

// Bytes of a value of a fixed size, and digits behind the point of a decimal, at most.
const (
	maxFixed = 1 << 20
	maxScale = 1000
)

// bytesForm is the form of BYTE_ARRAY and FIXED_LEN_BYTE_ARRAY.
func (e element) bytesForm() (form, bool) {
	fixed := e.physical == pFixed
	if fixed && (e.width <= 0 || e.width > maxFixed) {
		return 0, false
	}
	switch {
	case e.is(logicalDecimal, convertedDecimal):
		return asDecimal, e.scale >= 0 && e.scale <= maxScale
	case e.plain():
		return asBytes, true
	case fixed && e.logical == logicalHalf && e.width == 2:
		return asHalf, true
	case fixed && e.logical == logicalUUID && e.width == 16:
		return asUUID, true
	case !fixed && (e.is(logicalString, convertedUTF8) || e.is(logicalEnum, convertedEnum) || e.is(logicalJSON, convertedJSON)):
		return asText, true
	}
	return 0, false
}
