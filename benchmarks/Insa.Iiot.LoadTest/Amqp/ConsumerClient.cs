using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Insa.Iiot.LoadTest.Serving;

namespace Insa.Iiot.LoadTest.Amqp;

/// <summary>Starts a consumer's process and has it empty the queues.</summary>
internal sealed class ConsumerClient : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private readonly Process _process;

    public ConsumerClient(string side, ConsumeOptions options, Uri broker, string? postgres)
    {
        var start = new ProcessStartInfo(
            Environment.ProcessPath!,
            ["serve-amqp", side, options.Store, $"{options.Queues}", $"{options.Prefetch}"]
        )
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment[ConsumerProcess.BrokerVariable] = broker.OriginalString;
        start.Environment[LoadServer.PostgresVariable] = postgres;
        _process = Process.Start(start)!;
    }

    public async Task<ConsumeResult> RunAsync(int count)
    {
        await _process.StandardInput.WriteLineAsync(count.ToString(CultureInfo.InvariantCulture));
        var line = await _process.StandardOutput.ReadLineAsync().WaitAsync(Patience);
        return JsonSerializer.Deserialize<ConsumeResult>(line ?? throw new InvalidOperationException("The consumer has ended."))!;
    }

    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        try
        {
            await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        }
        catch (TimeoutException)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
