using System.Reflection;

namespace Insa.Iiot.Protocols.Amqp.Tests;

/// <summary>Commands of a host whose store is away for the first answers.</summary>
public class FlakyCommands : DispatchProxy
{
    private IDeviceCommands? _inner;
    private int _failures;

    public static IDeviceCommands Over(IDeviceCommands inner, int failures)
    {
        var proxy = Create<IDeviceCommands, FlakyCommands>();
        ((FlakyCommands)proxy)._inner = inner;
        ((FlakyCommands)proxy)._failures = failures;
        return proxy;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        if (targetMethod!.Name == nameof(IDeviceCommands.AnswerAsync) && Interlocked.Decrement(ref _failures) >= 0)
            return new ValueTask<DeviceCommand?>(
                Task.FromException<DeviceCommand?>(new TelemetryStoreException("away", isTransient: true))
            );
        return targetMethod.Invoke(_inner, args);
    }
}
