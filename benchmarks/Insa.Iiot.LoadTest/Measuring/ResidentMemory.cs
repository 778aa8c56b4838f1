namespace Insa.Iiot.LoadTest.Measuring;

/// <summary>A server's resident size over a run, sampled each second. A leak shows between the quarters.</summary>
internal sealed record ResidentMemory(
    double LeastMebibytes,
    double MostMebibytes,
    double SecondQuarterMebibytes,
    double LastQuarterMebibytes
)
{
    /// <returns><see langword="null"/> for a run of fewer than four samples.</returns>
    public static ResidentMemory? Of(IReadOnlyList<double> sizes)
    {
        var quarter = sizes.Count / 4;
        return quarter == 0
            ? null
            : new ResidentMemory(sizes.Min(), sizes.Max(), sizes.Skip(quarter).Take(quarter).Average(), sizes.TakeLast(quarter).Average());
    }
}
