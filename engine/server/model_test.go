package server

import "testing"

func TestUploadModel(t *testing.T) {
	s := newTestServer(t, &fakeAPI{})
	expect(t, call(t, s, "POST", "/models", "xyz"), 200, `{"sha256":"abc","bytes":3,"uri":"sha256:abc"}`+"\n")
	if w := call(t, s, "POST", "/models", "no"); w.Code != 400 {
		t.Errorf("bytes that the engine refuses: %d %s", w.Code, w.Body)
	}
	if w := call(t, s, "GET", "/models", ""); w.Code != 405 && w.Code != 404 {
		t.Errorf("GET: %d", w.Code)
	}
}
