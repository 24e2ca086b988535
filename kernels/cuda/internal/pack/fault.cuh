// Ids from the data that name no row. The first one found stays in the queue's fault word,
// from which the next Sync makes an error.

// The operations, as package cuda numbers them.
enum { FAULT_GATHER = 1, FAULT_SCATTER_ADD, FAULT_CROSS_ENTROPY, FAULT_CROSS_ENTROPY_GRAD };

// The queue's fault word: 0 in op means none.
struct Fault {
	u32 op, place;
	i32 id;
	u32 rows;
};

// Reports whether id, at place of the ids, names one of n rows; notes it where it does not
// and note is set, which one thread of those that meet the id is to do.
DEVICE bool names_row(Fault *fault, u32 op, u32 place, i32 id, u32 n, bool note) {
	if ((u32)id < n && id >= 0) {
		return true;
	}
	if (note && atomicCAS(&fault->op, 0u, op) == 0) {
		fault->place = place;
		fault->id = id;
		fault->rows = n;
	}
	return false;
}
