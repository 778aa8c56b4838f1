using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Insa.Iiot.SampleHost.Tests;

/// <summary>A file system in memory of a fixed size, mounted as root or by sudo.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("iiot-disk-").FullName;
    private bool _isMounted;

    private SmallDisk() { }

    /// <summary>An empty folder on the disk.</summary>
    public string Folder => Path.Combine(_folder, "server");

    private string Ballast => Path.Combine(_folder, "ballast");

    /// <returns><see langword="null"/> where it cannot be mounted.</returns>
    public static SmallDisk? TryMake(int mebibytes)
    {
        var disk = new SmallDisk();
        disk._isMounted =
            OperatingSystem.IsLinux()
            && RunAsRoot(
                "mount",
                "-t",
                "tmpfs",
                "-o",
                string.Create(CultureInfo.InvariantCulture, $"size={mebibytes}m,mode=1777"),
                "tmpfs",
                disk._folder
            );
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
            RunAsRoot("umount", "-l", _folder);
        Directory.Delete(_folder, recursive: true);
    }

    private static bool RunAsRoot(string program, params string[] arguments)
    {
        string[] command = Environment.IsPrivilegedProcess ? [program, .. arguments] : ["sudo", "-n", program, .. arguments];
        try
        {
            using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false; // There is no such program.
        }
    }
}
