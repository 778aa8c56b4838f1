using System.Globalization;

namespace Insa.Iiot.LoadTest.Measuring;

/// <summary>What the kernel says of a process (proc(5)).</summary>
/// <param name="CpuSeconds">User and system time.</param>
/// <param name="PeakBytes">The largest resident size so far.</param>
internal readonly record struct ProcessUsage(double CpuSeconds, long PeakBytes)
{
    private const double ClockTicksPerSecond = 100;

    public static ProcessUsage Of(int pid)
    {
        // The name in parentheses may hold blanks: fields count from behind it.
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        var ticks = long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
        return new ProcessUsage(ticks / ClockTicksPerSecond, ReadBytes(pid, "VmHWM:"));
    }

    /// <summary>CPU time of a process and of its children, the ended and the running ones.</summary>
    public static double CpuSecondsOfFamily(int pid)
    {
        var ticks = 0L;
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var other))
                continue;
            try
            {
                var stat = File.ReadAllText($"/proc/{other}/stat");
                var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
                var isChild = fields[1] == pid.ToString(CultureInfo.InvariantCulture);
                if (other == pid || isChild)
                    ticks += fields
                        .AsSpan(11, other == pid ? 4 : 2)
                        .ToArray()
                        .Sum(field => long.Parse(field, CultureInfo.InvariantCulture));
            }
            catch (IOException)
            {
                // It ended; its parent has its time.
            }
        }

        return ticks / ClockTicksPerSecond;
    }

    public static long ResidentBytesOf(int pid) => ReadBytes(pid, "VmRSS:");

    private static long ReadBytes(int pid, string key)
    {
        var line = File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith(key, StringComparison.Ordinal));
        return long.Parse(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }
}
