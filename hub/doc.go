// Package hub fetches files of models and datasets from the Hugging Face hub
// into the cache that Python's huggingface_hub keeps, and finds them there.
//
// It knows repositories, revisions, files and digests, and which file names make
// up a model or a dataset; it opens none of them. What it writes, Python finds,
// and the other way round:
//
//	HF_HOME/hub/models--ORG--NAME/blobs/DIGEST             content, named by its ETag
//	HF_HOME/hub/models--ORG--NAME/snapshots/COMMIT/FILE    relative link to a blob
//	HF_HOME/hub/models--ORG--NAME/refs/REVISION            the commit of a branch or tag
//	HF_HOME/hub/models--ORG--NAME/trees/COMMIT.json        all files of the commit
//	HF_HOME/hub/.locks/models--ORG--NAME/DIGEST.lock       held while a blob is fetched
//
// Datasets lie in datasets--ORG--NAME. A few lines that use it:
//
//	client, err := hub.FromEnv(os.Getenv)
//	repo, err := hub.ParseRepo(hub.Model, "facebook/opt-125m")
//	snapshot, err := client.Local(ctx, repo, "main", hub.ModelFiles)
//	config, err := os.ReadFile(filepath.Join(snapshot.Dir, "config.json"))
//
// and, where a name may be a path as well, for package transformer to open:
//
//	path, err := client.ModelPath(ctx, "facebook/opt-125m")
//
// The server is not trusted. Invariants:
//
//   - A file gets its name in blobs/ only after the bytes on disk had the size and
//     the digest that the server named: SHA-256 for large files, git's SHA-1 of a
//     blob for small ones. Without a digest nothing is fetched.
//   - What has arrived stays in DIGEST.incomplete and is gone on from; the digest
//     covers it too.
//   - Names from the server never lead out of the cache, and answers are read up
//     to their declared or a fixed size.
//   - The token is sent to the endpoint's own scheme, host and port, nowhere else,
//     and stands in no error.
//   - With Offline set no connection is opened.
//
// Source of the layout: file_download.py, _snapshot_download.py and
// _tree_cache.py of huggingface_hub 2.4.0. Unlike it, refs/REVISION is written
// after the last file, so that it never names a snapshot that is not whole.
package hub
