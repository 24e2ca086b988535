package plan

// HierarchicalAverage clusters by average linkage: two clusters are as far apart as
// their members are on average. It stands beside single linkage in a comment of
// layer_iter_cluster (utils/main.py of the paper's repository).
var HierarchicalAverage = Method{
	Name: "hierarchical-average", Help: "the centres of clusters by average linkage of all layers",
	Needs: []Need{NeedSimilarity}, Choose: hierarchical(func(d [][]float64) []Merge { return hierarchy(d, average) }),
}
