namespace Insa.Iiot.SampleHost.Tests;

/// <summary>A folder that lives as long as its test.</summary>
internal sealed class TestFolder : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("iiot-host-").FullName;

    /// <summary>A data folder that the host is to make.</summary>
    public string Data => Path.Combine(_root, "data");

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
