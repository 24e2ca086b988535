package hubtest_test

import (
	"fmt"
	"log"
	"net/http"
	"testing"

	"lamina/hub/hubtest"
)

// The first answer breaks off, the second does not.
func Example() {
	h := hubtest.New(&testing.T{}, "tiny/model", map[string]string{"config.json": `{"model_type": "opt"}`})
	h.Fault = func(a *hubtest.Answer) {
		if a.Kind == hubtest.Get && a.N == 0 {
			a.Status = http.StatusServiceUnavailable
		}
	}
	for range 2 {
		r, err := http.Get(h.URL + "/tiny/model/resolve/main/config.json")
		if err != nil {
			log.Fatal(err)
		}
		r.Body.Close()
		fmt.Println(r.StatusCode)
	}
	// Output:
	// 503
	// 200
}
