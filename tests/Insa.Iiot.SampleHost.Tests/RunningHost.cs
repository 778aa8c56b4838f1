namespace Insa.Iiot.SampleHost.Tests;

/// <summary>One host for all tests of a class; each test has its own devices.</summary>
public sealed class RunningHost : IAsyncLifetime
{
    private readonly TestFolder _folder = new();

    internal HostProcess Host { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Host = await HostProcess.StartAsync(_folder.Data);

    public async ValueTask DisposeAsync()
    {
        if (Host is not null)
            await Host.DisposeAsync();
        _folder.Dispose();
    }
}
