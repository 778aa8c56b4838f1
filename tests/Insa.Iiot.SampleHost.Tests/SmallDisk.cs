using System.Diagnostics;
using System.Globalization;

namespace Insa.Iiot.SampleHost.Tests;

/// <summary>A file system in memory of a fixed size, which only root may mount.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("iiot-disk-").FullName;
    private bool _isMounted;

    private SmallDisk() { }

    /// <summary>An empty folder on the disk.</summary>
    public string Folder => Path.Combine(_folder, "server");

    private string Ballast => Path.Combine(_folder, "ballast");

    /// <returns><see langword="null"/> where mounting is not permitted.</returns>
    public static SmallDisk? TryMake(int mebibytes)
    {
        var disk = new SmallDisk();
        disk._isMounted =
            OperatingSystem.IsLinux()
            && Run("mount", "-t", "tmpfs", "-o", string.Create(CultureInfo.InvariantCulture, $"size={mebibytes}m"), "tmpfs", disk._folder);
        if (!disk._isMounted)
        {
            disk.Dispose();
            return null;
        }

        Directory.CreateDirectory(disk.Folder);
        return disk;
    }

    /// <summary>Leaves no byte free.</summary>
    public void Fill()
    {
        var block = new byte[64 * 1024];
        using var file = new FileStream(Ballast, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        for (var size = block.Length; size >= 4096; )
        {
            try
            {
                file.Write(block, 0, size);
            }
            catch (IOException)
            {
                size /= 2;
            }
        }
    }

    public void Free() => File.Delete(Ballast);

    public void Dispose()
    {
        // Lazily: a process of the server's may be about to end.
        if (_isMounted)
            Run("umount", "-l", _folder);
        Directory.Delete(_folder, recursive: true);
    }

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
