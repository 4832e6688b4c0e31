//! Documents on their way in.

use super::*;

impl Fake {
    pub(super) fn upload_state(
        &self,
        _: Caller,
        agency: AgencyCode,
        sha256: Digest,
    ) -> Reply<'_, Option<UploadState>> {
        Box::pin(async move { Ok(self.lock().uploads.get(&(agency, sha256)).cloned()) })
    }

    pub(super) fn upload(
        &self,
        _: Caller,
        upload: Upload,
        mut body: BodyStream,
    ) -> Reply<'_, UploadState> {
        Box::pin(async move {
            if self.refuse_uploads {
                return Err(Problem::new(Code::Quota, "no more today").retry_after(3600));
            }
            let key = (upload.agency, upload.sha256);
            let mut state = UploadState {
                sha256: upload.sha256.into(),
                size: upload.size,
                offset: 0,
                complete: false,
                created: false,
            };
            let held = self.lock().uploads.get(&key).cloned();
            if let Some(held) = held {
                state = UploadState { created: false, ..held };
                if state.complete {
                    return Ok(state);
                }
            }
            if upload.offset != state.offset {
                let problem = Problem::new(Code::WrongState, "wrong offset");
                return Err(problem.at_offset(state.offset));
            }
            let mut done = Ok(());
            loop {
                match body.next().await {
                    Ok(None) => break,
                    Ok(Some(piece)) => {
                        for (i, byte) in piece.iter().enumerate().step_by(997) {
                            assert_eq!(*byte, pattern(state.offset + i as u64));
                        }
                        state.offset += piece.len() as u64;
                        let mut all = self.lock();
                        all.largest_piece = all.largest_piece.max(piece.len());
                    }
                    Err(problem) => {
                        done = Err(problem);
                        break;
                    }
                }
            }
            state.complete = state.offset == state.size;
            state.created = state.complete;
            self.lock().uploads.insert(key, state.clone());
            done.map(|()| state)
        })
    }
}
