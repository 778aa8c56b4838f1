using System.Globalization;
using System.Runtime.CompilerServices;
using Insa.Iiot.Conformance;

namespace Insa.Iiot.Storage.Sqlite.Tests;

/// <summary>What this assembly does when it is started to be killed: write batches, and say the last number of each once it is durable.</summary>
internal static class WritingProcess
{
    public const string FolderVariable = "IIOT_TEST_WRITE_TO";
    public const string FirstVariable = "IIOT_TEST_WRITE_FROM";
    public const int FramesPerBatch = 50;

    public static readonly TenantId Tenant = TenantId.Parse("plant");
    public static readonly DeviceId Device = DeviceId.Parse("press");
    public static readonly DateTime Start = new(2026, 5, 1, 0, 0, 0, DateTimeKind.Utc);

    [ModuleInitializer]
    internal static void Run()
    {
        if (Environment.GetEnvironmentVariable(FolderVariable) is not { } folder)
            return;

        using var store = new SqliteStore(folder);
        var next = int.Parse(Environment.GetEnvironmentVariable(FirstVariable)!, CultureInfo.InvariantCulture);
        while (true)
        {
            using var writer = new BatchWriter();
            for (var i = 0; i < FramesPerBatch; i++, next++)
                writer.Add(Tenant, Device, Start.AddMilliseconds(next), frame => frame.AddDouble("n"u8, next));
            if (!store.Sink.WriteAsync(writer.Batch, CancellationToken.None).IsCompletedSuccessfully)
                return;
            Console.WriteLine(next.ToString(CultureInfo.InvariantCulture));
        }
    }
}
