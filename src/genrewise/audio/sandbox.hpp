// Limits what this process may do, for decoders of files that cannot be trusted. Internal to audio.
#pragma once

namespace genrewise::audio {

/// From now on, in this thread and the threads that it starts: no socket can be made or connected, no file opened for
/// writing, created, changed, renamed or removed, no program or process started, and no other process signalled or
/// traced (a seccomp filter: such calls fail with EPERM). Files can be read only in the system's folders and those of
/// libraries that are loaded, or in LD_LIBRARY_PATH (Landlock). A process of root loses its capabilities. Descriptors
/// that are open stay as they are. Without effect where the kernel has neither, or the processor is neither x86-64 nor
/// arm64.
void enter_sandbox();

}  // namespace genrewise::audio
