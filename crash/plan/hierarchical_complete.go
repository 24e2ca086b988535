package plan

// HierarchicalComplete clusters by complete linkage: two clusters are as far apart as
// their farthest members. See [HierarchicalAverage].
var HierarchicalComplete = Method{
	Name: "hierarchical-complete", Help: "the centres of clusters by complete linkage of all layers",
	Needs: []Need{NeedSimilarity}, Choose: hierarchical(func(d [][]float64) []Merge { return hierarchy(d, complete) }),
}
