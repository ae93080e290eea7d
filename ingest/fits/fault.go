package fits

import (
	"fmt"

	"github.com/galaxalign/galaxalign/schemas"
)

// fault makes a refusal of the ingest stage at byte position at of the payload (-1: none).
func fault(reason schemas.Reason, at int, format string, args ...any) *schemas.Fault {
	return &schemas.Fault{
		Reason: reason, Stage: schemas.StageIngest, Position: int64(at), Detail: fmt.Sprintf(format, args...),
	}
}
