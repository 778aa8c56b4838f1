using Insa.Iiot;
using Insa.Iiot.Commands;
using Insa.Iiot.Commands.Diagnostics;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds commands to devices to a host.</summary>
public static class CommandIiotBuilderExtensions
{
    /// <summary>Adds <see cref="IDeviceCommands"/> over the <see cref="IControlStore"/> of a storage package. Adapters in the host deliver what it keeps.</summary>
    public static IiotBuilder AddCommands(this IiotBuilder builder, Action<CommandOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);

        var services = builder.Services;
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<CommandOptions>, CommandOptionsValidator>());
        var options = services.AddOptionsWithValidateOnStart<CommandOptions>();
        if (configure is not null)
            options.Configure(configure);

        services.AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<CommandMetrics>();
        services.TryAddSingleton<CommandNews>();
        services.TryAddSingleton<IDeviceCommands, DeviceCommandQueue>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, CommandNewsService>());
        return builder;
    }
}
