package plan

// HierarchicalSingle clusters by single linkage: two clusters are as far apart as
// their nearest members. The authors have it as the mode "single" of
// layer_iter_cluster (utils/main.py) and use it in no published result; there scipy is
// handed the rows of the similarity as points, here their distance is 1 - similarity.
var HierarchicalSingle = Method{
	Name: "hierarchical-single", Help: "the centres of clusters by single linkage of all layers",
	Needs: []Need{NeedSimilarity}, Choose: hierarchical(spanning),
}
