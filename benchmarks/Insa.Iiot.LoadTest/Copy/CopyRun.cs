namespace Insa.Iiot.LoadTest.Copy;

/// <summary>What one run came to.</summary>
/// <param name="Case">Its <see cref="CopyCase.Name"/>.</param>
/// <param name="Slice">The slice of a sustained run; 0 for the first and for single runs.</param>
/// <param name="Points">How many were written.</param>
/// <param name="Seconds">From the first byte to the last commit.</param>
/// <param name="ServerCpuSeconds">Of all of the server's processes.</param>
/// <param name="ClientCpuSeconds">Of psql or of the sink.</param>
/// <param name="DiskBytes">Tables, keys and partitions, per point on disk.</param>
/// <param name="WalBytes">Written meanwhile.</param>
internal sealed record CopyRun(
    string Case,
    int Slice,
    long Points,
    double Seconds,
    double ServerCpuSeconds,
    double ClientCpuSeconds,
    double DiskBytes,
    double WalBytes
)
{
    public double PointsPerSecond => Points / Seconds;
}
