package ort

import (
	"fmt"
	"path/filepath"
	"runtime"
)

// Version is the ONNX Runtime version that is fetched.
const Version = "1.30.0"

// minMinor is the lowest 1.x release that serves the C API version (24) the binding asks for.
const minMinor = 24

// bindingModule and bindingVersion name the Go module whose folder ships a library for some platforms.
const (
	bindingModule  = "github.com/yalue/onnxruntime_go"
	bindingVersion = "v1.27.0"
)

// How says which search step found a library.
type How string

// The search steps, in the order Locate takes them.
const (
	FromEnvironment How = "environment" // $GALAXALIGN_ONNXRUNTIME
	FromExecutable  How = "executable"  // beside the running program
	FromSystem      How = "system"      // a system library folder
	FromCache       How = "cache"       // fetched by an earlier run
	FromModule      How = "module"      // shipped in the binding's module folder
	FromFetch       How = "fetch"       // fetched by this run
)

// Library is a shared library that was found.
type Library struct {
	Path    string // absolute
	Version string // "1.30.0"; empty when it is known only after loading (a library of the user's own)
	SHA256  string // 64 lower-case hexadecimal digits
	How     How
}

// String renders the library for a log line.
func (l Library) String() string {
	version := l.Version
	if version == "" {
		version = "version unknown until loaded"
	}
	return fmt.Sprintf("ONNX Runtime %s at %s (%s, sha256 %.12s)", version, l.Path, l.How, l.SHA256)
}

// platform is what is known of ONNX Runtime on one operating system and processor.
type platform struct {
	file      string // name of the library in the cache and beside an executable
	wheelTag  string // platform tag of the Python wheel
	wheelFile string // path of the library inside the wheel
	wheelSum  string // its SHA-256
	npmFile   string // path of the library inside the Node package; empty when it is not used
	npmSum    string
	module    string // file in the binding's module folder; empty when it ships none
	moduleSum string
}

// moduleLibraryVersion is the version of the libraries in the binding's module folder.
const moduleLibraryVersion = "1.24.1"

// platforms lists the platforms with pinned digests, by GOOS/GOARCH.
func platforms() map[string]platform {
	return map[string]platform{
		"linux/amd64": {
			file:      "libonnxruntime.so." + Version,
			wheelTag:  "manylinux_2_28_x86_64",
			wheelFile: "onnxruntime/capi/libonnxruntime.so." + Version,
			wheelSum:  "c902c70b3003c0e99fada202f37478c515ae9bba7944c2b2abd0017bae0c82ed",
			npmFile:   "package/bin/napi-v6/linux/x64/libonnxruntime.so.1",
			npmSum:    "ffb75a925ba05e47b235bb66e3e3911714a80b328a9c9425539feb204aa32a23",
		},
		"linux/arm64": {
			file:      "libonnxruntime.so." + Version,
			wheelTag:  "manylinux_2_28_aarch64",
			wheelFile: "onnxruntime/capi/libonnxruntime.so." + Version,
			wheelSum:  "8a218e1e446880131115c368ec7005969a5022af9a15a26173de648fef0b7789",
			module:    "onnxruntime_arm64.so",
			moduleSum: "7954e8bdedb497f830c6a679e818d98399b7f4d81ade1126c3e0be74d28111ab",
		},
		"darwin/arm64": {
			file:      "libonnxruntime." + Version + ".dylib",
			wheelTag:  "macosx_14_0_arm64",
			wheelFile: "onnxruntime/capi/libonnxruntime." + Version + ".dylib",
			wheelSum:  "8f54aa3989f2d4b2f9fbe8af298b1c147978ec899a8c28e20d0d35edc0005027",
			module:    "onnxruntime_arm64.dylib",
			moduleSum: "9626bbdd201fbed7e3addcbd9fc7e97ec4954c03afcf40a9883af50498bffb06",
		},
		"windows/amd64": {
			file:      "onnxruntime.dll",
			wheelTag:  "win_amd64",
			wheelFile: "onnxruntime/capi/onnxruntime.dll",
			wheelSum:  "44741724166ad61c8c82885e394793807f2cf5707c83b9e33c2d78d75c6e7650",
			module:    "onnxruntime.dll",
			moduleSum: "8a1aad8d59d02a5337d4e3f5bbd1158c3f7bf84fe3b3f0052f957dd3e75a91cb",
		},
	}
}

// thisPlatform returns the pins of the running platform; its file name is set even where there are none.
func thisPlatform() (platform, bool) {
	p, ok := platforms()[runtime.GOOS+"/"+runtime.GOARCH]
	if !ok {
		p.file = "libonnxruntime.so"
	}
	return p, ok
}

// fetched reports whether a digest is that of a library that is fetched for this platform.
func (p platform) fetched(sum string) bool {
	return sum == p.wheelSum || p.npmSum != "" && sum == p.npmSum
}

// knownVersion returns the version of a pinned digest, or "".
func knownVersion(sum string) string {
	for _, p := range platforms() {
		switch {
		case p.fetched(sum):
			return Version
		case p.moduleSum != "" && sum == p.moduleSum:
			return moduleLibraryVersion
		}
	}
	return ""
}

// fileNames lists the names under which a library may lie beside the executable or in a system folder.
func (p platform) fileNames() []string {
	switch filepath.Ext(p.file) {
	case ".dll":
		return []string{"onnxruntime.dll"}
	case ".dylib":
		return []string{p.file, "libonnxruntime.dylib"}
	}
	return []string{"libonnxruntime.so." + Version, "libonnxruntime.so.1", "libonnxruntime.so"}
}
