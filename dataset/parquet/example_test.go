package parquet_test

import (
	"fmt"
	"os"

	"lamina/dataset/parquet"
)

func ExampleScan() {
	file, err := os.Open("testdata/arc-zstd.parquet")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		fmt.Println(err)
		return
	}
	for row, err := range parquet.Scan(file, info.Size(), "arc-zstd.parquet") {
		if err != nil {
			fmt.Println(err)
			return
		}
		choices, err := row.Texts("choices.text")
		fmt.Println(row.At, choices, err)
	}
	// Output:
	// arc-zstd.parquet:1 [sun moon] <nil>
	// arc-zstd.parquet:2 [salt sand] <nil>
}
